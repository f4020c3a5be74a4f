"""What the search keeps in the database."""

from search.models.comparisons import ComparisonRun, SearchConfiguration
from search.models.duplicates import DuplicateCheck, DuplicatePair
from search.models.experiments import Experiment
from search.models.index import Embedding, EncoderVersion, IndexCollection
from search.models.judgments import JudgedQuery, Judgment, JudgmentSet
from search.models.log import LoggedSearch, PopularQuery
from search.models.operations import IndexingMinute, ProcessSeen
from search.models.phrases import FacetCoverage, Phrase
from search.models.ranking import RankingVersion
from search.models.revision import Revision
from search.models.rules import Rule, RuleAction
from search.models.synonyms import Synonym, SynonymSuggestion
from search.models.vocabulary import Vocabulary

__all__ = [
    "ComparisonRun",
    "DuplicateCheck",
    "DuplicatePair",
    "Embedding",
    "EncoderVersion",
    "Experiment",
    "FacetCoverage",
    "IndexCollection",
    "IndexingMinute",
    "JudgedQuery",
    "Judgment",
    "JudgmentSet",
    "LoggedSearch",
    "Phrase",
    "PopularQuery",
    "ProcessSeen",
    "RankingVersion",
    "Revision",
    "Rule",
    "RuleAction",
    "SearchConfiguration",
    "Synonym",
    "SynonymSuggestion",
    "Vocabulary",
]
