// What a desk shows while it waits, when it has nothing, when it failed and when it may not look.
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, isDamaged } from "../api/client";
import { s } from "../strings";
import "./await.css";
import { Button } from "./Button";
import { capital, sentence } from "./format";
import { Icon, type IconName } from "./icons";
import { useTitle } from "./title";

export function Empty({
  icon,
  title,
  children,
  act,
  isPage,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  act?: ReactNode;
  /** The only thing on its page, so its title is the page's. */
  isPage?: boolean;
}) {
  return (
    <div className="empty">
      {icon && (
        <span className="empty-sign">
          <Icon name={icon} size={20} />
        </span>
      )}
      {isPage ? <PageTitle title={title} /> : <h2>{title}</h2>}
      {children && <p className="quiet">{children}</p>}
      {act && <div className="row row-wrap empty-act">{act}</div>}
    </div>
  );
}

function PageTitle({ title }: { title: string }) {
  useTitle(title);
  return <h1>{title}</h1>;
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : undefined;
  if (known?.status === 403)
    return (
      <Empty icon="hold" title={s.ui.forbidden}>
        {known.message}
      </Empty>
    );
  if (known?.status === 404)
    return (
      <Empty icon="search" title={s.ui.notFound}>
        {s.ui.notFoundWhy}
      </Empty>
    );
  // What was asked can't be answered, however often it is asked.
  if (known?.status === 422)
    return (
      <Empty icon="alert" title={capital(known.message)}>
        {known.hint && sentence(known.hint)}
      </Empty>
    );
  return (
    <Empty
      icon="alert"
      title={known ? capital(known.message) : s.ui.failed}
      act={retry && <Button onPress={retry}>{s.ui.retry}</Button>}
    >
      {known?.hint ?? (isDamaged(error) ? s.ui.damagedWhy : s.ui.failedWhy)}
    </Empty>
  );
}

/** True once `ms` have passed: what comes sooner needs no skeleton. */
export function useLate(ms = 150) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return late;
}

export function Skeleton({ lines = 6 }: { lines?: number }) {
  const late = useLate();
  return (
    <div className="skeleton" role="status" aria-label={s.ui.loading} data-late={late || undefined}>
      {late && Array.from({ length: lines }, (_, i) => `${i}`).map((i) => <i key={i} />)}
    </div>
  );
}

export function Await<T>({
  query,
  children,
  lines,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Failed error={query.error} retry={() => query.refetch()} />;
  return <Skeleton lines={lines} />;
}
