;; Waits for the same thing 1,000 times at once, again and again.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (local $handle i32) (local $at i32)
  (local.set $handle (call $wait (i64.const 3600000000000)))
  (local.set $at (i32.const 0x10000))
  (loop $fill
    (i32.store (local.get $at) (local.get $handle))
    (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 0x10fa0))))
  (loop $for-ever
    (call $poll (i32.const 0x10000) (i32.const 1000) (i32.const 128))
    (br $for-ever))
  (unreachable))
