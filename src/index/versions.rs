//! The header fields of a family, and which version of its message has which: what
//! only a destroyed version had can go.

use std::collections::{BTreeSet, HashMap};

use super::doc::FamilyDoc;
use crate::base::limits::{VERSION_HEADER_BYTES_MAX, VERSION_LINKS_BYTES_MAX};
use crate::catalog::purge::Left;
use crate::mail::address;
use crate::similar::Links;

impl FamilyDoc {
    /// Adds a version, by its message's hash in hex, with what it says of others and
    /// the header fields that no other has; says whether that was news. A message that
    /// came in hundreds of versions would grow without end; what is left out then is
    /// declared.
    pub fn add_version(
        &mut self,
        message: &str,
        links: &Links,
        lines: impl Iterator<Item = String>,
    ) -> bool {
        let known = self.messages.iter().position(|known| known == message);
        let at = known.unwrap_or_else(|| self.begin_version(message));
        let mut own: BTreeSet<u32> = self.lines_of(at).into_iter().collect();
        if known.is_some() && !own.is_empty() {
            return false;
        }
        let is_first = self.headers.is_empty();
        let mut size_bytes: usize = self.headers.iter().map(String::len).sum();
        let numbered = self.headers.iter().cloned().zip(0..);
        let mut places: HashMap<String, u32> = numbered.collect();
        let mut is_news = self.add_links(at as u32, links) | known.is_none();
        let mut is_full = false;
        for line in lines {
            if let Some(place) = places.get(&line) {
                own.insert(*place);
                continue;
            }
            size_bytes += line.len();
            is_full |= !is_first && size_bytes > VERSION_HEADER_BYTES_MAX;
            if is_full {
                is_news |= !std::mem::replace(&mut self.is_partial, true);
                self.are_headers_cut = true;
                continue;
            }
            let place = self.headers.len() as u32;
            places.insert(line.clone(), place);
            self.headers.push(line);
            own.insert(place);
            is_news = true;
        }
        if let Some(version) = self.versions.get_mut(at) {
            *version = own.into_iter().collect();
        }
        is_news
    }

    /// Adds the versions of what was stored before.
    pub fn add_versions_of(&mut self, stored: &Self) {
        for (at, message) in stored.messages.iter().enumerate() {
            let lines = stored.lines_of(at).into_iter();
            let lines = lines.map(|line| stored.headers[line as usize].clone());
            self.add_version(message, &stored.links_of(at as u32), lines);
        }
    }

    /// Keeps what deliveries say that are left, and nothing of the others.
    pub fn reduce(&mut self, left: &Left) {
        self.participants.retain(|person| {
            person.address.is_empty() || left.participants.contains(&address::key(&person.address))
        });
        self.sources.retain(|source| left.sources.contains(source));
        self.classes.retain(|class| left.classes.contains(class));
        (self.received_at, self.is_proven) = (left.received_at, left.is_proven);
        self.received_again.retain(|at| left.received.contains(at) && *at != left.received_at);
        self.has_unproven = left.has_unproven;
        let is_left = |message: &String| {
            message.parse().is_ok_and(|message| left.messages.contains(&message))
        };
        let mut kept = self.clone();
        (kept.messages, kept.headers, kept.versions, kept.links) = Default::default();
        for (at, message) in self.messages.iter().enumerate().filter(|(_, m)| is_left(m)) {
            let lines = self.lines_of(at).into_iter();
            let lines = lines.map(|line| self.headers[line as usize].clone());
            kept.add_version(message, &self.links_of(at as u32), lines);
        }
        if self.messages.first() != kept.messages.first() {
            kept.message_id = kept.message_id_of_first();
        }
        *self = kept;
    }

    fn begin_version(&mut self, message: &str) -> usize {
        // Of one message alone all lines are.
        if self.messages.len() == 1 {
            self.versions = vec![self.lines_of(0)];
        }
        self.messages.push(message.to_owned());
        if !self.versions.is_empty() {
            self.versions.push(Vec::new());
        }
        self.messages.len() - 1
    }

    /// Says whether that was news.
    fn add_links(&mut self, version: u32, links: &Links) -> bool {
        let has = |(known, of): &(Links, Vec<u32>)| known == links && of.contains(&version);
        if *links == Links::default() || self.links.iter().any(has) {
            return false;
        }
        self.links.iter_mut().for_each(|(_, of)| of.retain(|other| *other != version));
        self.links.retain(|(_, of)| !of.is_empty());
        let taken: usize = self.links.iter().map(|(known, _)| known.size_bytes()).sum();
        if let Some((_, of)) = self.links.iter_mut().find(|(known, _)| known == links) {
            of.push(version);
        } else if taken == 0 || taken + links.size_bytes() <= VERSION_LINKS_BYTES_MAX {
            self.links.push((links.clone(), vec![version]));
        } else {
            self.are_headers_cut = true;
            return !std::mem::replace(&mut self.is_partial, true);
        }
        true
    }

    fn links_of(&self, version: u32) -> Links {
        let found = self.links.iter().find(|(_, of)| of.contains(&version));
        found.map(|(links, _)| links.clone()).unwrap_or_default()
    }

    /// The places in `headers` of what a version has.
    fn lines_of(&self, message: usize) -> Vec<u32> {
        match self.versions.get(message) {
            Some(lines) => lines.clone(),
            None => (0..self.headers.len() as u32).collect(),
        }
    }

    fn message_id_of_first(&self) -> String {
        let lines = self.lines_of(0).into_iter().map(|line| &self.headers[line as usize]);
        let mut values = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("message-id").then(|| value.trim().trim_matches(['<', '>']))
        });
        values.next().unwrap_or_default().to_owned()
    }
}
