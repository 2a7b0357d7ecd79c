// Sign-in, and the change that a one-time password demands before anything else.
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api } from "../../api/calls";
import type { Me } from "../../api/types";
import { enter, isAnother } from "../../app/session";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Refusal } from "../../ui/Refusal";
import { useTitle } from "../../ui/title";
import "./sign-in.css";

export function SignIn({ me }: { me: Me | null }) {
  const [oneTime, setOneTime] = useState("");
  useTitle(s.signIn.title);
  return (
    <main className="sign-in">
      <section className="sign-in-card" aria-label={s.product}>
        <p className="sign-in-brand">
          <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
            <path
              d="M5 25V7l11 9.500L27 7v18"
              fill="none"
              stroke="currentColor"
              strokeWidth="3.400"
              strokeLinejoin="round"
              strokeLinecap="round"
            />
            <path d="M5 30h22" stroke="var(--hold)" strokeWidth="2.600" strokeLinecap="round" />
          </svg>
          {s.product}
        </p>
        {me?.must_change ? <Change current={oneTime} /> : <Ask onPassword={setOneTime} />}
      </section>
      <p className="sign-in-claim faint small">{s.signIn.claim}</p>
    </main>
  );
}

function Ask({ onPassword }: { onPassword: (password: string) => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const navigate = useNavigate();
  const sign = useMutation({
    mutationFn: () => api.signIn(name.trim(), password),
    onSuccess: async (me) => {
      onPassword(password);
      if (isAnother(me)) await navigate({ to: "/", replace: true });
      enter(me);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name && password && !sign.isPending) sign.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <h1 className="sign-in-title">{s.signIn.title}</h1>
      <Field
        label={s.signIn.name}
        name="name"
        autoComplete="username"
        value={name}
        onChange={setName}
        autoFocus
      />
      <Field
        label={s.signIn.password}
        name="password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      <div aria-live="polite">
        <Refusal error={sign.error} />
      </div>
      <Button kind="primary" type="submit" isPending={sign.isPending}>
        {s.signIn.act}
      </Button>
      <p className="faint tiny">{s.signIn.forgotten}</p>
    </form>
  );
}

function Change({ current }: { current: string }) {
  // After a reload the one-time password is no longer known here, so it is asked for again.
  const [old, setOld] = useState(current);
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const change = useMutation({ mutationFn: () => api.changePassword(old, next), onSuccess: enter });
  const short = next.length < 12 ? s.signIn.short : undefined;
  const differ = next !== again ? s.signIn.differ : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!short && !differ && old && !change.isPending) change.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <h1 className="sign-in-title">{s.signIn.changeTitle}</h1>
      <p className="quiet small">{s.signIn.changeWhy}</p>
      {!current && (
        <Field
          label={s.signIn.current}
          type="password"
          autoComplete="current-password"
          value={old}
          onChange={setOld}
        />
      )}
      <Field
        label={s.signIn.next}
        type="password"
        autoComplete="new-password"
        value={next}
        onChange={setNext}
        error={tried ? short : undefined}
        autoFocus
      />
      <Field
        label={s.signIn.again}
        type="password"
        autoComplete="new-password"
        value={again}
        onChange={setAgain}
        error={tried ? differ : undefined}
      />
      <div aria-live="polite">
        <Refusal error={change.error} />
      </div>
      <Button kind="primary" type="submit" isPending={change.isPending}>
        {s.signIn.changeAct}
      </Button>
    </form>
  );
}
