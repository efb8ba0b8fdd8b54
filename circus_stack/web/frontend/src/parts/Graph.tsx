// One figure over time, as a line; its words say what the line shows.
interface Props {
  label: string;
  times: number[];
  values: (number | null)[];
  shown: (value: number | null) => string;
}

const WIDTH = 300;
const HEIGHT = 60;

/** The corners of a line; where a value is missing a new line begins. */
export function path(times: number[], values: (number | null)[], most: number): string {
  const first = times[0] ?? 0;
  const whole = Math.max(1, (times.at(-1) ?? 0) - first);
  let broken = true;
  let text = "";
  values.forEach((value, at) => {
    if (value === null) {
      broken = true;
      return;
    }
    const x = (((times[at] ?? first) - first) / whole) * WIDTH;
    const y = HEIGHT - (value / most) * (HEIGHT - 4) - 2;
    text += `${broken ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    broken = false;
  });
  return text;
}

export function Graph({ label, times, values, shown }: Props) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) return null;
  const most = Math.max(...known);
  return (
    <figure class="graph">
      <figcaption>
        {label} <b>{shown(known.at(-1) ?? null)}</b> <span class="quiet">at most {shown(most)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${label} over time`}>
        <path d={path(times, values, most || 1)} vector-effect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}
