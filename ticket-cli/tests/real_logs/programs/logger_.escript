#!/usr/bin/env escript
%% Fails in three ways, each twice with other values, and logs it with `logger`.
-mode(compile).

main(_) ->
    lists:foreach(fun fail/1, [{visa, 17}, {amex, 4711}]),
    timer:sleep(200).

fail({Card, Number}) ->
    logger:info("order ~p begins", [Number]),
    try
        pay(Card)
    catch
        Class:Reason:Trace ->
            logger:error("cannot pay order ~p: ~p:~p~n~p", [Number, Class, Reason, Trace])
    end,
    %% A process that ends with an error logs it itself.
    proc_lib:spawn(fun() -> ship(Number) end),
    timer:sleep(100),
    logger:error("order ~p is lost", [Number]).

pay(Card) -> maps:get(Card, #{}).

ship(Weight) -> error({cannot_weigh, Weight}).
