//! What is written about, in English. Words in braces are filled from the
//! facts of a thread, so that a thread keeps to its own.

use super::attachment::Kind;
use super::people::Team;

/// Who takes part in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circle {
    /// Two to five of these teams.
    Teams(&'static [Team]),
    /// Of these teams, and one or two of these people outside.
    With(&'static [Team], &'static [&'static str]),
    /// To a distribution list.
    List(&'static str),
    /// The few who know of the merger, their counsel and their bank.
    Heron,
}

pub struct Topic {
    /// How many threads in a thousand.
    pub weight: usize,
    pub circle: Circle,
    pub subjects: &'static [&'static str],
    pub openings: &'static [&'static str],
    pub replies: &'static [&'static str],
    pub attachments: &'static [Kind],
}

use Kind::{Chart, Minutes, Page, Pdf, Table};
use Team::{Board, Engineering, Finance, Legal, People, Sales, Technology};

pub const TOPICS: &[Topic] = &[
    Topic {
        weight: 150,
        circle: Circle::With(
            &[Legal, Sales],
            &[
                "jph@ashdown-pryce.example",
                "gordon.pike@tidewell.example",
                "tquill@quill-components.example",
            ],
        ),
        subjects: &[
            "{client} master supply agreement - draft {number}",
            "Redline: {client} framework contract",
            "Liability cap in the {client} agreement",
            "{client}: warranty and indemnity wording",
        ],
        openings: &[
            "Please find the latest draft of the master supply agreement with {client}. The open points are the limitation of liability (clause 14), the indemnity for third-party claims and the notice period for termination.",
            "{client} came back with a redline on Friday. They accept our payment terms but want the liability cap raised from {amount} to twice the annual contract value.",
            "Before we sign, I would like us to agree on clause 9. As drafted, {client} could terminate for convenience on thirty days' notice, and we would carry the tooling cost.",
            "The exclusivity clause in the {client} draft worries me. It covers the whole {product} line in {city}, not only the models they buy.",
        ],
        replies: &[
            "A cap of {amount} is as far as we can go without the board. If they insist on more, we should ask for a mutual carve-out for gross negligence only.",
            "I have marked up the indemnity. It now covers finally awarded damages, not every claim that somebody writes a letter about.",
            "Agreed on clause 9. On termination I would accept ninety days if they buy the remaining stock of {product}.",
            "Their counsel called. They can live with English law but want arbitration in {city}.",
            "Please do not send the signature page before Priya has cleared the final text. Last time a side letter went out that nobody had read.",
            "This is privileged and confidential: our position is weaker than it looks, because the {month} delivery was late and clause 6 gives them a right to damages.",
            "Signed copy attached. The effective date is the first of {month}.",
        ],
        attachments: &[Pdf, Minutes],
    },
    Topic {
        weight: 70,
        circle: Circle::Heron,
        subjects: &[
            "Project Heron - strictly confidential",
            "Heron: valuation and timetable",
            "Heron - due diligence list",
            "Project Heron: board paper",
        ],
        openings: &[
            "As discussed, Project Heron remains confidential to the names on this e-mail. Please do not forward, print, or mention Tidewell by name outside the data room.",
            "Brightwater have updated the valuation. At {amount} million the offer is {pct} per cent above Tidewell's last round, and synergies pay for it in four years if we close the plant in {city}.",
            "The Heron timetable: exclusivity until the end of {month}, due diligence for six weeks, signing before the annual results. Clearance is the uncertain part.",
            "Attached is the due diligence request list for Heron. The calibration records of {product} are the sensitive item; engineering has not been told why we ask.",
        ],
        replies: &[
            "Gordon is ready to move if we confirm {amount} million in cash. He asked whether the announcement can wait until after his board on {date}.",
            "I am not comfortable with the synergy number. Half of it is headcount in {city}, and works council consultation takes longer than the plan assumes.",
            "Please keep the insider list up to date. I count nine people who know of Heron; everyone must confirm in writing before the blackout starts.",
            "Nobody trades in the shares until we announce. That includes family. If you have a standing order, stop it today and tell Priya.",
            "Counsel's view: the combined share in industrial flow sensors is above thirty per cent in two countries. We should prepare the filing now and not guess about the competitor data.",
            "The board approved the offer letter in principle. I will call Gordon tonight; nothing in writing until the retainer is signed.",
            "We need to talk before this goes any further. Call me, do not reply.",
        ],
        attachments: &[Pdf, Table, Chart],
    },
    Topic {
        weight: 130,
        circle: Circle::With(
            &[Finance],
            &[
                "tquill@quill-components.example",
                "bortega@aguasdelsur.example",
                "warren.tully@norvane.example",
            ],
        ),
        subjects: &[
            "Invoice {number}",
            "Overdue: invoice {number} ({client})",
            "Payment run {month}",
            "Credit note for order {number}",
        ],
        openings: &[
            "Please find attached invoice {number} for {amount} EUR, due within thirty days. Kindly quote the number with your payment.",
            "Our records show that invoice {number} over {amount} EUR is now {pct} days overdue. Could you let us know when to expect payment?",
            "The payment run for {month} closes on {date}. Anything that is not approved in the system by noon waits until the next one.",
            "There is a difference of {amount} EUR between the purchase order and invoice {number}. The freight was charged twice.",
        ],
        replies: &[
            "Thank you, the transfer went out this morning. The reference is {number}.",
            "I have asked the supplier for a corrected invoice. Until then please leave it blocked.",
            "New bank details should never be taken from an e-mail. I called the number we have on file and they did not send this request.",
            "Approved for payment. Please book it on the {month} accrual, not on the project.",
            "We accept the credit note. Please set it off against the next delivery to {city}.",
            "Can this be moved into next quarter? The numbers for {month} look better without it.",
        ],
        attachments: &[Table, Pdf, Pdf],
    },
    Topic {
        weight: 120,
        circle: Circle::Teams(&[Engineering, Engineering, Sales]),
        subjects: &[
            "{product} calibration drift",
            "Field failures {product} - {city}",
            "Test report {number} ({product})",
            "{product} firmware {number}",
        ],
        openings: &[
            "Three customers in {city} now report drift on {product} after about six months. The readings are {pct} per cent low at the upper end of the range.",
            "Test report {number} is attached. Eleven of forty units were out of tolerance after the humidity cycle, which is more than we told the certification body.",
            "Firmware {number} fixes the watchdog reset but changes the temperature compensation. Field units need a new calibration afterwards.",
            "We should decide whether the {product} returns from {client} are a batch problem or a design problem. The returned boards come from three different lots.",
        ],
        replies: &[
            "It looks like the reference resistor. The supplier changed the coating in {month} and did not tell us.",
            "I would rather not call it a defect in writing until we know the cause. Can we discuss it at the stand-up?",
            "We have a duty to report this if it affects billing meters. I have asked Priya, please hold the shipment to {city} until she answers.",
            "The histogram is clear enough: two populations, one of them made after week 31.",
            "Sales has promised a fix by the end of {month}. With the lab booked as it is, that will not happen.",
            "Rework cost is about {amount} EUR if we swap boards in the field, half of that if units come back.",
            "Please keep all test data, including the runs that failed. Nothing is to be deleted or cleaned up.",
        ],
        attachments: &[Table, Chart, Minutes, Pdf],
    },
    Topic {
        weight: 110,
        circle: Circle::With(
            &[Sales, Sales],
            &["warren.tully@norvane.example", "gordon.pike@tidewell.example"],
        ),
        subjects: &[
            "Pricing {product} for {client}",
            "{client} tender {number}",
            "Discount request {client}",
            "Market talk in {city}",
        ],
        openings: &[
            "{client} asks for {pct} per cent off the list price of {product} for an order of two hundred. Norvane seems to be at {amount} EUR.",
            "The tender {number} closes on {date}. We need delivery times for {city}, a reference installation and the price sheet.",
            "It was good to see you at the trade fair in {city}. As we said over dinner, nobody gains if prices for flow meters keep falling.",
            "Forecast for {month}: {client} is likely, two renewals are certain, and the {city} project slips again.",
        ],
        replies: &[
            "We can go to {pct} per cent, but only with a two-year commitment. Below that we lose money on the probes.",
            "I would not discuss price levels with a competitor, neither at dinner nor by e-mail. Please take this off-line with Legal first.",
            "Understood. If your people stay out of {city} this year, mine will not bid aggressively in the north.",
            "The customer confirmed the order verbally. Paper follows next week.",
            "Lost to a lower price. The feedback was that our documents were the best they received.",
            "Please put the quotation in the shared folder and not in my inbox.",
        ],
        attachments: &[Table, Pdf, Page],
    },
    Topic {
        weight: 90,
        circle: Circle::Teams(&[People, Board, Engineering]),
        subjects: &[
            "Candidate for {city}: {person}",
            "Leave request {month}",
            "Performance review - confidential",
            "Complaint about conduct in the {city} office",
        ],
        openings: &[
            "I interviewed {person} for the position in {city} and would make an offer. Salary expectation is {amount} EUR, notice period three months.",
            "I would like to take leave from {date} for two weeks. Handover notes will be in the shared folder.",
            "Attached are my notes for the review. Targets were met; the tone in meetings was not always helpful.",
            "A colleague has come to me with a complaint about remarks made at the dinner in {city}. She asks for confidentiality and is worried about retaliation.",
        ],
        replies: &[
            "Approved. Please enter it in the system as well.",
            "We must treat this as a formal complaint. Please write down dates and witnesses and do not speak to the manager concerned yet.",
            "The budget allows one more hire this year. I would rather have a calibration technician than another account manager.",
            "References are excellent. Let us offer {amount} EUR and a start on the first of {month}.",
            "I disagree with the rating, and I would like that to be in the file.",
            "Thank you for telling me. Nobody will be disadvantaged for raising this.",
        ],
        attachments: &[Minutes, Pdf],
    },
    Topic {
        weight: 130,
        circle: Circle::Teams(&[Sales, Engineering, Finance, People, Technology]),
        subjects: &[
            "Lunch?",
            "Football on {date}",
            "Cake in the kitchen",
            "Cycling on Saturday",
            "Photos from {city}",
        ],
        openings: &[
            "Anyone for lunch at half past twelve? The Thai place has the green curry today.",
            "We are two short for football on {date}. Bring both shirts, last time nobody knew who was on which side.",
            "There is birthday cake in the kitchen, until Owen finds it.",
            "Saturday looks dry. Meet at the bridge at nine, about seventy kilometres, coffee in the middle.",
        ],
        replies: &[
            "Count me in.",
            "Sorry, stuck in a review until two. Save me a piece.",
            "Only if it is not the place with the loud music.",
            "Great evening, thank you all. My knees say otherwise.",
            "Who took the good umbrella?",
            "+1, and I am bringing {person}.",
        ],
        attachments: &[Chart],
    },
    Topic {
        weight: 60,
        circle: Circle::List("all@larkfield.example"),
        subjects: &[
            "Planned maintenance on {date}",
            "Phishing: do not open invoice e-mails from {city}",
            "New travel policy",
            "Results of the {month} quarter",
            "Welcome {person}",
        ],
        openings: &[
            "The file servers are not available on {date} from 18:00 to 22:00. Mail is not affected.",
            "A phishing wave uses our logo. If you opened the attachment, call the service desk at once; nobody will be blamed.",
            "From the first of {month} trips above {amount} EUR need approval before booking. The policy is attached.",
            "Sales in the quarter rose by {pct} per cent. Thank you for a hard quarter, and please keep the figures inside until they are published.",
            "Please welcome {person}, who joins the office in {city} today.",
        ],
        replies: &["Thanks. Does this affect the lab network too?", "Please do not reply to all."],
        attachments: &[Pdf, Page],
    },
    Topic {
        weight: 45,
        circle: Circle::With(
            &[Legal, Board],
            &["r.halloran@metrology-office.example", "nadia.farouk@ashdown-pryce.example"],
        ),
        subjects: &[
            "Request for information, file {number}",
            "Preservation notice: {product}",
            "Draft answer to the Office of Metrology",
            "Inspection on {date}",
        ],
        openings: &[
            "The Office of Metrology asks for the calibration records of {product} sold into {city} since last {month}. The answer is due on {date}.",
            "Please preserve all documents and e-mail concerning {product}, whether helpful or not. Automatic deletion is suspended for the custodians named below. Do not discuss this notice.",
            "Attached is our draft answer to the inspector. Paragraph four says that no systematic deviation was known before {month}; I need engineering to confirm that in writing.",
            "The inspection takes place on {date}. Two officers will want to see the lab, the complaint log and the release documents.",
        ],
        replies: &[
            "I cannot confirm paragraph four. Aisha's report of last {month} mentions the deviation, and it was sent to sales.",
            "Then we correct the draft. An incomplete answer is worse than an unpleasant one.",
            "Outside counsel agrees. The report must be produced; it is not privileged, although the covering e-mail is.",
            "Collected so far: {number} e-mails, two lab notebooks, the complaint log. Chats are still missing.",
            "Please confirm that you have read the notice and will comply with it.",
        ],
        attachments: &[Pdf, Minutes, Table],
    },
    Topic {
        weight: 95,
        circle: Circle::Teams(&[Board, Sales, Engineering, Finance, Legal]),
        subjects: &[
            "Minutes: steering meeting {date}",
            "Agenda for {date}",
            "Trip to {city}",
            "Budget {month}",
        ],
        openings: &[
            "Minutes attached. Three actions are open: the price list, the {product} road map, and the lease in {city}.",
            "Agenda for {date}: results, hiring, {product} launch, any other business. Please send papers two days before.",
            "I am in {city} from {date} for three days and would use the time to see {client}. Who should come along?",
            "The budget for {month} is {amount} EUR short. Either the fair in {city} or the second test bench has to go.",
        ],
        replies: &[
            "One correction: I did not agree to the date, I said that I would look at it.",
            "I will join for the second day. Train, not plane, please.",
            "The test bench stays. Without it we cannot release {product} at all.",
            "Noted, I will move the lease to the next meeting.",
            "Could someone send the dial-in again?",
        ],
        attachments: &[Minutes, Page, Chart],
    },
];
