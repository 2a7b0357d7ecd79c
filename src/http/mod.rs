//! The API and the web app.
