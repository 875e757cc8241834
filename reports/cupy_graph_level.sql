-- The evidence of all findings; written by wb findings.
.headers on
.mode column

-- F1. 5 graph launches hide their kernels, so nothing can be said of them.

-- Graphs recorded as single rows
SELECT count(*) AS launches, sum(end - start) AS total_ns FROM CUPTI_ACTIVITY_KIND_GRAPH_TRACE;

-- F2. Decode runs without CUDA graphs: 8 launches in the median step.

-- Launches
WITH calls AS (
  SELECT correlationId, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281483801526798 AND start BETWEEN 659682111 AND 659911080
)
SELECT s.value AS call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(c.end - c.start) AS total_ns
FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
WHERE s.value IN ('cuLaunchKernel')
GROUP BY call ORDER BY total_ns DESC, call;

-- F3. Decode loads modules: 1 call, 0.0 ms.

-- Module loading
WITH calls AS (
  SELECT correlationId, globalTid & ~16777215 AS globalPid, nameId, start, end
  FROM CUPTI_ACTIVITY_KIND_RUNTIME
  WHERE globalTid = 281483801526798 AND start BETWEEN 659613024 AND 659613024
)
SELECT s.value AS call, count(*) AS calls, count(*) / 3.0 AS calls_per_step,
  sum(c.end - c.start) AS total_ns
FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId
WHERE s.value IN ('cuModuleLoadData')
GROUP BY call ORDER BY total_ns DESC, call;
