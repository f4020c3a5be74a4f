"""Fragments and pages around the recommendations; what programs read is below /api/v1/."""

from django.urls import path

from recommend import rows
from recommend.shop import account, cart_pages, erasing, feedback, you
from recommend.sponsored import views as sponsored

app_name = "recommend"
urlpatterns = [
    path("rows/<str:surface>", rows.row, name="row"),
    path("rows/<str:surface>/<path:sku>", rows.row, name="row"),
    path("discover/<str:surface>", rows.page, name="page"),
    path("discover/<str:surface>/<path:sku>", rows.page, name="page"),
    path("cart", cart_pages.cart_page, name="cart"),
    path("cart/add", cart_pages.add, name="cart-add"),
    path("cart/change", cart_pages.change, name="cart-change"),
    path("cart/order", cart_pages.place_order, name="cart-order"),
    path("cart/ordered", cart_pages.ordered, name="ordered"),
    path("go/<uuid:key>", sponsored.go, name="go"),
    path("go/<uuid:key>/seen", sponsored.seen, name="seen"),
    path("not-for-me", feedback.not_for_me, name="not-for-me"),
    path("not-for-me/undo", feedback.undo, name="not-for-me-undo"),
    path("you", you.you, name="you"),
    path("you/personalised", you.personalised, name="personalised"),
    path("you/remember", you.remember, name="remember"),
    path("you/forget", you.forget, name="forget"),
    path("you/erase", erasing.erase, name="erase"),
    path("you/separate", you.separate, name="separate"),
    path("you/download", you.download, name="download"),
    path("sign-in", account.sign_in, name="sign-in"),
    path("sign-up", account.sign_up, name="sign-up"),
    path("sign-out", account.sign_out, name="sign-out"),
]
