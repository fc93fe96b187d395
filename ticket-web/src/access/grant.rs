//! [`Grant`]: what one visitor may do.

/// What a visitor may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nothing.
    None,
    /// See tickets and events.
    ReadOnly,
    /// See tickets and events, and change tickets.
    All,
}

/// What a visitor may do, with which applications, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Grant {
    /// What the visitor may do.
    pub permission: Permission,
    /// The applications that the visitor sees; `None` for all of them.
    pub app_ids: Option<Vec<String>>,
    /// The visitor's name, for the history of the tickets that it changes.
    pub name: Option<String>,
}

impl Grant {
    /// Grants everything.
    pub const fn all() -> Self {
        Self::new(Permission::All)
    }

    /// Grants seeing, but not changing.
    pub const fn read_only() -> Self {
        Self::new(Permission::ReadOnly)
    }

    /// Grants nothing.
    pub const fn none() -> Self {
        Self::new(Permission::None)
    }

    const fn new(permission: Permission) -> Self {
        Self { permission, app_ids: None, name: None }
    }

    /// Limits the grant to these applications. Without any, it grants nothing.
    pub fn with_app_ids<I>(mut self, app_ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.app_ids = Some(app_ids.into_iter().map(Into::into).collect());
        self
    }

    /// Names the visitor.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns the part of the grant that is within these limits.
    pub(super) fn limited(mut self, permission: Permission, app_ids: Option<&[String]>) -> Self {
        self.permission = self.permission.min(permission);
        self.app_ids = match (self.app_ids, app_ids) {
            (None, None) => None,
            (Some(own), None) => Some(own),
            (None, Some(limit)) => Some(limit.to_vec()),
            (Some(own), Some(limit)) => {
                Some(own.into_iter().filter(|app_id| limit.contains(app_id)).collect())
            }
        };
        if self.app_ids.as_ref().is_some_and(Vec::is_empty) {
            self.permission = Permission::None;
        }
        self
    }

    /// Returns `true` if the visitor may change tickets.
    pub(crate) fn can_change(&self) -> bool {
        self.permission == Permission::All
    }

    /// Returns `true` if the visitor sees this application.
    pub(crate) fn sees(&self, app_id: &str) -> bool {
        self.app_ids.as_ref().is_none_or(|seen| seen.iter().any(|seen| seen == app_id))
    }
}

impl From<Permission> for Grant {
    fn from(permission: Permission) -> Self {
        Self::new(permission)
    }
}
