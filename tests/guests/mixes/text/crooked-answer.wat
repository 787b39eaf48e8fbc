;; Answers with neither a page nor an error.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (i32.store8 (i32.const 64) (i32.const 7))
  (i32.const 64))
