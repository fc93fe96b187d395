// Fails in three ways, each twice with other values, and logs it with winston.
const { createLogger, format, transports } = require("winston");

const formats = {
  json: format.combine(format.errors({ stack: true }), format.timestamp(), format.json()),
  text: format.combine(
    format.errors({ stack: true }),
    format.timestamp(),
    format.printf((info) => `${info.timestamp} ${info.level}: ${info.message}${info.stack ? `\n${info.stack}` : ""}`),
  ),
};
const log = createLogger({ format: formats[process.argv[2]], transports: [new transports.Console()] });

function pay(card) {
  return card.owner.name;
}

function ship(weight) {
  throw new RangeError(`${weight} kg are too many`);
}

for (const number of [17, 4711]) {
  log.info(`order ${number} begins`);
  for (const way of [() => pay({}), () => ship(number)]) {
    try {
      way();
    } catch (error) {
      log.error(error);
    }
  }
  log.error(`order ${number} is lost`);
}
