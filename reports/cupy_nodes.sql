-- The evidence of all findings; written by wb findings.
.headers on
.mode column

-- F1. Decode runs without CUDA graphs: 8 launches in the median step.

-- Launches
WITH calls AS (
  SELECT correlationId, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482325131702 AND start BETWEEN 1411978957 AND 1412253104
)
SELECT s.value AS call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(c.end - c.start) AS total_ns
FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
WHERE s.value IN ('cuLaunchKernel')
GROUP BY call ORDER BY total_ns DESC, call;

-- F2. Decode loads modules: 1 call, 0.1 ms.

-- Module loading
WITH calls AS (
  SELECT correlationId, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281482325131702 AND start BETWEEN 1411848957 AND 1411848957
)
SELECT s.value AS call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(c.end - c.start) AS total_ns
FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
WHERE s.value IN ('cuModuleLoadData')
GROUP BY call ORDER BY total_ns DESC, call;
