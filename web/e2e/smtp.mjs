// The smallest SMTP client that can journal mail.
import { connect } from "node:net";

/** Sends each message in one connection; resolves with the replies to their data. */
export async function send(port, recipient, messages) {
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("latin1");
  let buffered = "";
  const waiting = [];
  const settle = () => {
    const end = /^\d{3} .*\r\n/m.exec(buffered);
    if (!end || !waiting.length) return;
    const reply = buffered.slice(0, end.index + end[0].length);
    buffered = buffered.slice(reply.length);
    waiting.shift().resolve(reply.trim());
    settle();
  };
  socket.on("data", (text) => {
    buffered += text;
    settle();
  });
  const fail = (error) => {
    for (const each of waiting.splice(0)) each.reject(error ?? new Error("the server closed the connection"));
  };
  socket.on("error", fail);
  socket.on("close", () => fail());
  const reply = () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      settle();
    });
  const say = async (line, expected) => {
    socket.write(line, "latin1");
    const answer = await reply();
    if (!answer.split("\r\n").at(-1).startsWith(expected))
      throw new Error(`SMTP: ${JSON.stringify(line.slice(0, 60))} was answered ${answer}`);
    return answer;
  };
  const greeting = await reply();
  if (!greeting.startsWith("220")) throw new Error(`SMTP: ${greeting}`);
  await say("EHLO e2e.test\r\n", "250");
  const answers = [];
  for (const message of messages) {
    await say("MAIL FROM:<>\r\n", "250");
    await say(`RCPT TO:<${recipient}>\r\n`, "250");
    await say("DATA\r\n", "354");
    const dotted = message.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");
    answers.push(
      await say(
        `${Buffer.from(dotted, "utf8").toString("latin1")}${dotted.endsWith("\r\n") ? "" : "\r\n"}.\r\n`,
        "250",
      ),
    );
  }
  await say("QUIT\r\n", "221");
  socket.end();
  return answers;
}
