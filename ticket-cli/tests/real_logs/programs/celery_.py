"""Runs tasks that fail in three ways, each twice, in a worker of Celery."""

import celery
import celery.contrib.testing.worker
from celery.utils.log import get_task_logger

app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
log = get_task_logger("shop.cart")


@app.task(name="shop.pay")
def pay(number):
    return {}[number]


@app.task(name="shop.ship")
def ship(number):
    return number / 0


@app.task(name="shop.lose")
def lose(number):
    log.error("order %d is lost", number)


app.log.setup(loglevel="INFO", redirect_stdouts=False)
with celery.contrib.testing.worker.start_worker(app, perform_ping_check=False, loglevel="INFO"):
    for number in (17, 4711):
        for task in (pay, ship, lose):
            try:
                task.delay(number).get(timeout=20)
            except (KeyError, ZeroDivisionError):
                pass
