use rusqlite as _; fn main(){}
