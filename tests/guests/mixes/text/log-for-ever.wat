;; Logs 100,000 bytes for ever.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (memory.fill (i32.const 4096) (i32.const 120) (i32.const 100000))
  (loop $for-ever
    (call $log (i32.const 4096) (i32.const 100000))
    (br $for-ever))
  (unreachable))
