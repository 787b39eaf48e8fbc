;; Answers, and computes for ever when the host lets it clean up.
(func (export "post-return") (param i32)
  (loop $for-ever (br $for-ever)))
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $nothing))
