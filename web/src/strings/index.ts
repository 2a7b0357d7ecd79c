// Every word that the app says, in one place.
import { keys, nav, signIn, ui } from "./app";
import { audit } from "./audit";
import { families, messages } from "./counts";
import { gaps, passwords, retries } from "./documents";
import { exports, holds, matters } from "./matters";
import { message, proof } from "./message";
import { people } from "./people";
import { records } from "./records";
import { search, terms } from "./search";
import { status } from "./status";

export const s = {
  product: "Muniment",
  families,
  messages,
  ui,
  nav,
  signIn,
  search,
  message,
  proof,
  matters,
  holds,
  exports,
  audit,
  status,
  terms,
  gaps,
  retries,
  passwords,
  records,
  people,
  keys,
};
