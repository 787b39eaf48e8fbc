;; Computes for ever when the host asks it for room for the request.
(func (export "realloc") (param i32 i32 i32 i32) (result i32)
  (loop $for-ever (br $for-ever))
  (unreachable))
(func $misdeed (type $mix) (param $request i32) (result i32)
  (unreachable))
