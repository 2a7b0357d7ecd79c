// The frame of a desk that is a page: its title, a line under it, and its acts at the right.
import type { ReactNode } from "react";

export function Page({
  title,
  note,
  acts,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  acts?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="page">
      <div className="page-in">
        <header className="page-head">
          <div className="grow stack stack-tight">
            <h1>{title}</h1>
            {note && <div className="quiet">{note}</div>}
          </div>
          {acts && <div className="row">{acts}</div>}
        </header>
        {children}
      </div>
    </div>
  );
}

export function Card({
  title,
  note,
  acts,
  children,
  isFlush,
}: {
  title: ReactNode;
  note?: ReactNode;
  acts?: ReactNode;
  children: ReactNode;
  isFlush?: boolean;
}) {
  return (
    <section className="card">
      <header className="card-head">
        <h2>{title}</h2>
        {note && <span className="faint small">{note}</span>}
        <div className="row row-tight end">{acts}</div>
      </header>
      {isFlush ? children : <div className="card-body">{children}</div>}
    </section>
  );
}
