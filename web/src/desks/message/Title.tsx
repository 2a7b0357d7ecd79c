// The subject: three lines of it, and all of it when asked for, so that no subject pushes people and date away.
import { useLayoutEffect, useRef, useState } from "react";
import { s } from "../../strings";
import { Subject } from "../../ui/values";
import { useFold } from "./fold";

/** What three lines hold, and then some. */
const MOST = 1000;

export function Title({ subject }: { subject: string }) {
  const [all, setAll] = useFold();
  const [isLong, setLong] = useState(false);
  const box = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || all) return;
    const watch = new ResizeObserver(() => setLong(element.scrollHeight > element.clientHeight + 1));
    watch.observe(element);
    return () => watch.disconnect();
  }, [all]);
  return (
    <div className="grow">
      <h2 ref={box} className={all ? undefined : "is-clamped"}>
        <Subject text={subject} most={all ? Number.POSITIVE_INFINITY : MOST} />
      </h2>
      {(isLong || all || subject.length > MOST) && (
        <button type="button" className="link-button small" onClick={() => setAll(!all)}>
          {all ? s.message.fewer : s.message.whole}
        </button>
      )}
    </div>
  );
}
