;; What the guests called wasi-… ask for beside the rest; each part goes where around.wat has MORE of its name.
;; MORE IMPORTS
  (import "wasi:io/poll@0.2.6" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
    (alias outer 1 $pollable (type $pollable))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (import "wasi:random/random@0.2.6" (instance $random
    (export "get-random-u64" (func (result u64)))
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
;; MORE LOWERED
  (core func $poll (canon lower (func $poll "poll") (memory $ground "memory") (realloc (func $ground "realloc"))))
  (core func $wait (canon lower (func $clock "subscribe-duration")))
  (core func $random (canon lower (func $random "get-random-u64")))
  (core func $random-bytes (canon lower (func $random "get-random-bytes") (memory $ground "memory") (realloc (func $ground "realloc"))))
;; MORE IMPORTED
    (import "host" "poll" (func $poll (param $handles i32) (param $length i32) (param $answer i32)))
    (import "host" "wait" (func $wait (param $nanoseconds i64) (result i32)))
    (import "host" "random" (func $random (result i64)))
    (import "host" "random-bytes" (func $random-bytes (param $count i64) (param $answer i32)))
;; MORE HANDED OVER
    (export "poll" (func $poll))
    (export "wait" (func $wait))
    (export "random" (func $random))
    (export "random-bytes" (func $random-bytes))
