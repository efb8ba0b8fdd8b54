import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface GraphProps {
  title: string;
  times: number[];
  values: (number | null)[];
  format: (value: number | null) => string;
}

/** One figure over time. The newest stands in the heading, for who does not see the line. */
export function Graph({ title, times, values, format }: GraphProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: 130,
        legend: { show: false },
        cursor: { y: false },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(most || 0, 1e-6) * 1.1] } },
        axes: [
          { stroke: style.color, grid: { show: false } },
          { stroke: style.color, size: 58, values: (_plot, marks) => marks.map(format), grid: { stroke: "#8883", width: 1 } },
        ],
        series: [{}, { stroke: style.accentColor === "auto" ? "#2f6f5e" : style.accentColor, width: 1.5, spanGaps: false }],
      },
      [[], []],
      element,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: 130 }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([times, values]);
  }, [times, values]);
  const newest = values.at(-1) ?? null;
  return (
    <figure class="graph">
      <figcaption>
        {title} <strong>{format(newest)}</strong>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}
