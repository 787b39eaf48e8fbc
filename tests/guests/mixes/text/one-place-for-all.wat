;; Has the host lay all parts of the request over each other, and answers with what came of it.
(func (export "realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const 64))
(func $misdeed (type $mix) (param $request i32) (result i32)
  (local.get $request))
