//! Who writes: the staff of Larkfield Instruments, those it deals with, and its
//! distribution lists. Every name and address is made up; the domains are
//! reserved (RFC 2606).

use super::tongues::Tongue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    Board,
    Legal,
    Finance,
    Sales,
    Engineering,
    People,
    Technology,
    Outside,
}

#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub address: &'static str,
    pub title: &'static str,
    pub team: Team,
    pub tongue: Tongue,
}

impl Person {
    pub fn is_inside(&self) -> bool {
        self.team != Team::Outside
    }

    pub fn first_name(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }
}

const fn person(
    name: &'static str,
    address: &'static str,
    title: &'static str,
    team: Team,
    tongue: Tongue,
) -> Person {
    Person { name, address, title, team, tongue }
}

use Team::{Board, Engineering, Finance, Legal, Outside, People, Sales, Technology};
use Tongue::{Arabic, English, French, German, Japanese, Russian, Spanish};

/// The first of each team leads it.
pub const STAFF: &[Person] = &[
    person("Helen Marsh", "helen.marsh@larkfield.example", "Chief Executive", Board, English),
    person(
        "Victor Okafor",
        "victor.okafor@larkfield.example",
        "Chief Financial Officer",
        Board,
        English,
    ),
    person(
        "Ingrid Solberg",
        "ingrid.solberg@larkfield.example",
        "Chair of the Board",
        Board,
        English,
    ),
    person(
        "Raymond Tse",
        "raymond.tse@larkfield.example",
        "Chief Operating Officer",
        Board,
        English,
    ),
    person("Priya Raman", "priya.raman@larkfield.example", "General Counsel", Legal, English),
    person("Tomás Herrera", "tomas.herrera@larkfield.example", "Senior Counsel", Legal, Spanish),
    person("Claire Dubois", "claire.dubois@larkfield.example", "Contracts Manager", Legal, French),
    person("Owen Price", "owen.price@larkfield.example", "Financial Controller", Finance, English),
    person(
        "Agnieszka Nowak",
        "agnieszka.nowak@larkfield.example",
        "Accounts Payable",
        Finance,
        English,
    ),
    person("Samuel Addo", "samuel.addo@larkfield.example", "Accounts Receivable", Finance, English),
    person("Jürgen Weiß", "juergen.weiss@larkfield.example", "Leiter Buchhaltung", Finance, German),
    person(
        "Dana Whitfield",
        "dana.whitfield@larkfield.example",
        "Vice President Sales",
        Sales,
        English,
    ),
    person(
        "Markus Keller",
        "markus.keller@larkfield.example",
        "Vertriebsleiter DACH",
        Sales,
        German,
    ),
    person(
        "Élodie Garnier",
        "elodie.garnier@larkfield.example",
        "Directrice commerciale",
        Sales,
        French,
    ),
    person("Hiroshi Tanaka", "hiroshi.tanaka@larkfield.example", "営業部長", Sales, Japanese),
    person("Noura Al-Sayed", "noura.alsayed@larkfield.example", "مديرة المبيعات", Sales, Arabic),
    person(
        "Dmitri Volkov",
        "dmitri.volkov@larkfield.example",
        "Менеджер по продажам",
        Sales,
        Russian,
    ),
    person("Liam Doyle", "liam.doyle@larkfield.example", "Account Manager", Sales, English),
    person("Grace Lin", "grace.lin@larkfield.example", "Account Manager", Sales, English),
    person(
        "Carlos Méndez",
        "carlos.mendez@larkfield.example",
        "Gerente de Cuentas",
        Sales,
        Spanish,
    ),
    person("Ruth Abel", "ruth.abel@larkfield.example", "Head of Engineering", Engineering, English),
    person(
        "Peter Lindqvist",
        "peter.lindqvist@larkfield.example",
        "Firmware Lead",
        Engineering,
        English,
    ),
    person("Aisha Khan", "aisha.khan@larkfield.example", "Quality Engineer", Engineering, English),
    person(
        "Stefan Brandt",
        "stefan.brandt@larkfield.example",
        "Entwicklungsingenieur",
        Engineering,
        German,
    ),
    person("Mei Okada", "mei.okada@larkfield.example", "テストエンジニア", Engineering, Japanese),
    person(
        "Jack Fenwick",
        "jack.fenwick@larkfield.example",
        "Calibration Technician",
        Engineering,
        English,
    ),
    person(
        "Sofia Rinaldi",
        "sofia.rinaldi@larkfield.example",
        "Product Manager",
        Engineering,
        English,
    ),
    person("Bridget Nolan", "bridget.nolan@larkfield.example", "Head of People", People, English),
    person("Marcus Bell", "marcus.bell@larkfield.example", "Recruiter", People, English),
    person("Yusuf Demir", "yusuf.demir@larkfield.example", "Head of IT", Technology, English),
    person("Kate Osborne", "kate.osborne@larkfield.example", "Service Desk", Technology, English),
];

/// Those outside, in the language that they write.
pub const OUTSIDE: &[Person] = &[
    person(
        "Jonathan Pryce-Hall",
        "jph@ashdown-pryce.example",
        "Partner, Ashdown Pryce LLP",
        Outside,
        English,
    ),
    person(
        "Nadia Farouk",
        "nadia.farouk@ashdown-pryce.example",
        "Associate, Ashdown Pryce LLP",
        Outside,
        English,
    ),
    person(
        "Eleanor Voss",
        "e.voss@brightwater-capital.example",
        "Director, Brightwater Capital",
        Outside,
        English,
    ),
    person(
        "Gordon Pike",
        "gordon.pike@tidewell.example",
        "Chief Executive, Tidewell Sensors",
        Outside,
        English,
    ),
    person("Lena Fischer", "l.fischer@donauwerk.example", "Einkauf, Donauwerk AG", Outside, German),
    person(
        "Antoine Mercier",
        "antoine.mercier@rhonechimie.example",
        "Achats, Rhône Chimie",
        Outside,
        French,
    ),
    person(
        "Sato Kenji",
        "sato.kenji@minato-keiki.example",
        "株式会社港計器 購買部",
        Outside,
        Japanese,
    ),
    person(
        "Olga Petrova",
        "o.petrova@sevpribor.example",
        "Отдел закупок, Севприбор",
        Outside,
        Russian,
    ),
    person(
        "Khalid Mansour",
        "k.mansour@gulfmetering.example",
        "مدير المشتريات، الخليج للقياس",
        Outside,
        Arabic,
    ),
    person(
        "Beatriz Ortega",
        "bortega@aguasdelsur.example",
        "Compras, Aguas del Sur",
        Outside,
        Spanish,
    ),
    person(
        "Warren Tully",
        "warren.tully@norvane.example",
        "Sales Director, Norvane Controls",
        Outside,
        English,
    ),
    person(
        "Theresa Quill",
        "tquill@quill-components.example",
        "Quill Components Ltd",
        Outside,
        English,
    ),
    person(
        "Inspector R. Halloran",
        "r.halloran@metrology-office.example",
        "Office of Metrology",
        Outside,
        English,
    ),
];

/// A mailbox that only ever appears as a blind recipient.
pub const LEAK: &str = "v.okafor.private@postbox.example";

pub struct List {
    pub name: &'static str,
    pub address: &'static str,
    pub teams: &'static [Team],
}

pub const LISTS: &[List] = &[
    List {
        name: "All Staff",
        address: "all@larkfield.example",
        teams: &[Board, Legal, Finance, Sales, Engineering, People, Technology],
    },
    List { name: "Sales", address: "sales@larkfield.example", teams: &[Sales] },
    List { name: "Engineering", address: "engineering@larkfield.example", teams: &[Engineering] },
    List { name: "Executive Committee", address: "exco@larkfield.example", teams: &[Board, Legal] },
];

pub fn team(team: Team) -> Vec<&'static Person> {
    STAFF.iter().filter(|person| person.team == team).collect()
}

pub fn members(list: &List) -> Vec<&'static Person> {
    STAFF.iter().filter(|person| list.teams.contains(&person.team)).collect()
}

/// A name in the letters of its address, for headers of an old kind.
pub fn by_address(address: &str) -> Option<&'static Person> {
    STAFF.iter().chain(OUTSIDE).find(|person| person.address == address)
}
