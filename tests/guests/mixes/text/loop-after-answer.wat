;; Answers, and computes for ever when the host lets it clean up.
(global $answered (mut i32) (i32.const 0))
(func (export "post-return") (param i32)
  (loop $for-ever (br_if $for-ever (global.get $answered))))
(func $misdeed (type $mix) (param $request i32) (result i32)
  (global.set $answered (i32.const 1))
  (call $nothing))
