"""Serves requests that fail in three ways, each twice, with Django and its logger."""

import logging

import django
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{levelname} {asctime} {name}: {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {"django": {"handlers": [], "propagate": True}},
    },
)


def pay(request, number):
    return {}[number]


def ship(request, number):
    return number / 0


def lose(request, number):
    logging.getLogger("shop.cart").error("order %d is lost", number)
    return HttpResponse("lost")


urlpatterns = [path("pay/<int:number>", pay), path("ship/<int:number>", ship), path("lose/<int:number>", lose)]
django.setup()
client = Client(raise_request_exception=False)
for number in (17, 4711):
    for name in ("pay", "ship", "lose"):
        client.get(f"/{name}/{number}")
