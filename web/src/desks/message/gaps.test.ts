import { expect, test } from "vitest";
import type { Attachment } from "../../api/types";
import { told } from "./gaps";

const file = (ordinal: number, name: string, media_type: string): Attachment => ({
  ordinal,
  name,
  path: name,
  media_type,
  parent: null,
  size: 1,
  sha256: "",
  has_text: false,
  language: null,
  about: [],
  ocr: false,
});
const attachments = [
  file(1, "logo.png", "image/png"),
  file(2, "scan.pdf", "application/pdf"),
  file(3, "", "x/y"),
];
const gap = (ordinal: number | null, reason: string) => ({ ordinal, reason, detail: "" });

test("gaps are told by name and in words", () => {
  const gaps = [gap(1, "not-ocred"), gap(2, "not-ocred"), gap(3, "encrypted"), gap(null, "too-large")];
  expect(told({ attachments, gaps }).map(({ name, why }) => `${name}: ${why}`)).toEqual([
    "logo.png: an image, whose words are not read",
    "scan.pdf: pages or pictures in it are not read",
    "attachment without a name: opens with a password, and is not read",
    "the message: longer than is read; what comes after can't be found",
  ]);
});

test("only what may hide words that someone wrote is grave", () => {
  const reasons = ["no-text", "not-ocred", "unknown-type", "encrypted", "too-large", "too-deep", "damaged"];
  const grave = told({
    attachments,
    gaps: [...reasons, "timed-out", "crashed", "of-later"].map((r) => gap(1, r)),
  });
  expect(grave.map((it) => it.isGrave)).toEqual([...Array(3).fill(false), ...Array(7).fill(true)]);
});
