# Fails in three ways, each twice with other values, and logs it with `Logger`.
require Logger

defmodule Shop.Cart do
  def pay(card), do: Map.fetch!(%{}, card)
  def ship(weight), do: raise(ArgumentError, "cannot weigh #{weight}")
end

for {card, number} <- [{"visa", 17}, {"amex", 4711}] do
  Logger.info("order #{number} begins")

  try do
    Shop.Cart.pay(card)
  rescue
    error -> Logger.error("cannot pay order #{number}\n" <> Exception.format(:error, error, __STACKTRACE__))
  end

  # A process that ends with an error logs it itself.
  Task.start(fn -> Shop.Cart.ship(number) end)
  Process.sleep(100)
  Logger.error("order #{number} is lost")
end

Process.sleep(200)
