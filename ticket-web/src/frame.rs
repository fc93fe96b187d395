//! [`Frame`]: what surrounds every page.

use crate::assets;
use crate::site::Site;
use crate::visit::{Theme, Visit};

/// The part of the dashboard that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Tickets,
    Events,
    Health,
    None,
}

/// What surrounds every page: the head, the navigation, and who the visitor is.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) base: String,
    /// The link to the list.
    pub(crate) home: String,
    /// Where the page is, below the mount.
    pub(crate) here: String,
    /// The link to the page itself.
    pub(crate) link: String,
    pub(crate) theme: Theme,
    pub(crate) name: Option<String>,
    pub(crate) can_change: bool,
    pub(crate) has_sign_out: bool,
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) icon: String,
}

impl Frame {
    pub(crate) fn new(
        site: &Site,
        visit: &Visit,
        title: impl Into<String>,
        section: Section,
    ) -> Self {
        let has_sign_out =
            site.access.has_sign_in() && visit.grant.permission > crate::Permission::None;
        Self { has_sign_out, ..Self::bare(visit, title, section) }
    }

    /// Returns the names of the themes, and whether each is the chosen one.
    pub(crate) fn themes(&self) -> impl Iterator<Item = (&'static str, bool)> {
        Theme::ALL.into_iter().map(|theme| (theme.as_str(), theme == self.theme))
    }

    /// Returns the pages of the navigation: their names, links, and whether each is the current one.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (&'static str, String, bool)> {
        let link = |path: &str| format!("{}{path}", self.base);
        let pages = [
            (Section::Tickets, "Tickets", self.home.clone()),
            (Section::Events, "Events", link("/events")),
            (Section::Health, "Health", link("/health")),
        ];
        pages.into_iter().map(|(section, name, link)| (name, link, section == self.section))
    }

    /// Returns the frame of a page for nobody in particular.
    pub(crate) fn bare(visit: &Visit, title: impl Into<String>, section: Section) -> Self {
        Self {
            title: title.into(),
            section,
            base: visit.base.to_string(),
            home: visit.link("/"),
            link: visit.link(&visit.path_and_query()),
            here: visit.path_and_query(),
            theme: visit.theme,
            name: visit.grant.name.clone(),
            can_change: visit.grant.can_change(),
            has_sign_out: false,
            style: visit.link(&assets::style()),
            script: visit.link(&assets::script()),
            icon: visit.link(&assets::icon()),
        }
    }
}
