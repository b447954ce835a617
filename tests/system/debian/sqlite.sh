#!/bin/bash
# SPDX-License-Identifier: MIT
# sqlite3: a database of 100 MB with a write-ahead log, two writers, integrity, backup.
exec 2>&1
rows=${1:-100000}
sqlite3 base.db "pragma journal_mode=wal; create table t (id integer primary key, k text, v blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < $rows) insert into t select i, printf('key%08d', i * 7919 % 1000003), zeroblob(900) from n;"
[ "$(stat -c %s base.db)" -gt $((rows * 900)) ] && echo large; ls base.db*
sqlite3 base.db "create index k on t (k); select count(*), min(k), max(k) from t; update t set v = zeroblob(910) where id % 50 = 0; select sum(length(v)) from t; explain query plan select * from t where k = 'x';"
(sqlite3 base.db ".timeout 60000" "begin immediate; delete from t where id % 3 = 0; commit;" &
sqlite3 base.db ".timeout 60000" "begin immediate; update t set k = k || 'x' where id % 3 = 1; commit;" & wait)
sqlite3 -cmd ".timeout 60000" base.db "select count(*), count(distinct k) from t; pragma integrity_check; pragma wal_checkpoint(truncate); pragma mmap_size=268435456; select sum(length(k)) from t;"
(sqlite3 base.db "begin; update t set k = 'lost'; select count(*) from t a, t b, t c;" & sleep 1; kill -9 $!; wait) 2> /dev/null
sqlite3 base.db "select count(*) from t where k = 'lost'; pragma integrity_check;"
sqlite3 base.db ".backup copy.db" "vacuum" && sqlite3 copy.db "pragma quick_check; select count(*) from t"
sqlite3 base.db .dump | sha256sum | wc -c
sqlite3 :memory: "select json_extract('{\"a\":[1,2]}', '$.a[1]'), sqrt(2), strftime('%Y', 0, 'unixepoch')"
echo $?
