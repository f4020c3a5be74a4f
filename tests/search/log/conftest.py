"""Searches that are logged at once."""

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from search.experiments import running


@pytest.fixture
def logged(settings: Settings) -> Settings:
    settings.SEARCH_LOG_SAMPLE = 1
    settings.SEARCH_LOG_SECONDS = 0
    running.forget()
    return settings


@pytest.fixture
def client(shop, logged) -> APIClient:
    return APIClient()
