//! A report that another company's tenant sends to the journal address: the
//! servers are every tenant's, and whoever learns the address can use it. The
//! archive keeps it, and says that its source is unproven.

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::cmd::demo::client::Outgoing;
use crate::cmd::demo::source::reverse_path;
use crate::mail::compose;
use crate::mail::journal::{Envelope, Kind, Recipient};
use crate::mail::wrap::{self, Original, Style};

const TENANT: &str = "northgate.onmicrosoft.example";
const FROM: &str = "accounts@northgate-supplies.example";
const TO: &str = "agnieszka.nowak@larkfield.example";

pub fn report(at: Timestamp, style: &Style) -> Outgoing {
    let date = super::rfc5322(at);
    let subject = "New bank details for your next payment";
    let id =
        format!("<{}@northgate-supplies.example>", &Digest::of(date.as_bytes()).to_string()[..24]);
    let message = format!(
        "From: {}\r\nTo: {}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: {id}\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Dear Ms Nowak,\r\n\r\nplease pay all open invoices to our new account from now on.\r\n\
         There is no need to confirm this by telephone.\r\n\r\nNorthgate Accounts\r\n",
        compose::mailbox("Northgate Accounts", FROM),
        compose::mailbox("Agnieszka Nowak", TO),
    );
    let envelope = Envelope {
        sender: FROM.into(),
        subject: Some(subject.into()),
        message_id: Some(id),
        recipients: vec![Recipient { kind: Kind::Recipient, address: TO.into(), via: None }],
        ..Envelope::default()
    };
    let style = Style { tenant: TENANT.into(), date, ..style.clone() };
    let bytes = wrap::report(&envelope, &[Original::message(message.as_bytes())], &style);
    Outgoing { reverse_path: reverse_path(&style), bytes }
}
