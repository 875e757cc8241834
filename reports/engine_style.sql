-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. 5 of 5 kernels a decode step begin only after the one ahead of them, though launched early enough to overlap it."

.print
.print "Kernels that begin only after the one ahead of them"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482509681089 AND start BETWEEN 1025737718 AND 1025786917
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId, k.graphNodeId
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS k
  JOIN StringIds AS s ON s.id = k.shortName
  JOIN StringIds AS d ON d.id = k.demangledName
  WHERE (correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)
),
following AS (
  SELECT *, start - lag(end) OVER (PARTITION BY deviceId, streamId ORDER BY start) AS gap_ns FROM kernels
)
SELECT long_name AS kernel, count(*) AS calls, avg(duration_ns) AS mean_ns,
  avg(gap_ns) AS mean_gap_ns
FROM following AS k WHERE k.graphNodeId IN (8589934593, 8589934594, 8589934595, 8589934596, 8589934597)
GROUP BY long_name ORDER BY calls DESC, long_name LIMIT 8;
