-- written by wb findings
-- The evidence of all findings.
.headers on
.mode column

.print
.print "F1. 6.3 of 6.3 kernels a decode step begin only after the one ahead of them, though launched early enough to overlap it."

.print
.print "Kernels that begin only after the one ahead of them"
WITH launches AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482325131702 AND start BETWEEN 1411978957 AND 1412253104
),
kernels AS (
  SELECT s.value AS kernel, d.value AS long_name, k.start, k.end, k.end - k.start AS duration_ns,
    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId
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
FROM following AS k WHERE k.correlationId IN (172, 176, 180, 184, 188, 196, 200, 204, 208, 212, 216, 220, 228, 232, 236, 240, 244, 248, 252)
GROUP BY long_name ORDER BY calls DESC, long_name LIMIT 8;

.print
.print "F2. Decode runs without CUDA graphs: 8 launches in the median step."

.print
.print "Launches"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482325131702 AND start BETWEEN 1411978957 AND 1412253104
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuLaunchKernel') THEN 1 WHEN s.value IN ('cudaGraphLaunch_v10000') THEN 2 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuLaunchKernel', 'cudaGraphLaunch_v10000')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;

.print
.print "F3. Decode loads modules: 1 call, during which the GPU is idle for 0.0 ms."

.print
.print "Module loading"
WITH calls AS (
  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482325131702 AND start BETWEEN 1411848957 AND 1411848957
),
named AS (
  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (
    PARTITION BY globalTid, CASE WHEN s.value IN ('cuModuleLoadData') THEN 9 END
    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
  WHERE s.value IN ('cuModuleLoadData')
), counted AS (
  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach
)
SELECT call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(end - start) AS total_ns
FROM counted GROUP BY call ORDER BY total_ns DESC, call;
