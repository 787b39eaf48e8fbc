;; Logs a text of 2 MiB at once.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $log (i32.const 4096) (i32.const 0x200000))
  (call $nothing))
