"""Fails in three ways, each twice with other values, and logs it with structlog."""

import logging
import sys

import structlog

if sys.argv[1] == "console":
    renderers = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
else:
    renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
logging.basicConfig(format="%(message)s", level="INFO")
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        *renderers,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
log = structlog.get_logger("shop.cart")


def pay(card):
    return {}[card]


def ship(weight):
    return weight / 0


for number, card in enumerate(["visa", "amex"], 17):
    log.info("order begins", order=number)
    try:
        pay(card)
    except KeyError:
        log.exception("cannot pay", order=number)
    try:
        ship(number)
    except ZeroDivisionError:
        log.exception("cannot ship", order=number)
    log.error("order is lost", order=number)
