/** A small graph of the last minutes, without axes. The text beside it has the number. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const width = 90;
  const height = 20;
  const most = Math.max(...values, 1e-9);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((each, at) => `${(at * step).toFixed(1)},${(height - 1 - (each / most) * (height - 2)).toFixed(1)}`);
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      {values.length > 1 && <polyline points={points.join(" ")} />}
    </svg>
  );
}
