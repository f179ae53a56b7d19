//! TokenReview: whose token it is.

use catena_objects::{Map, Status, Value};

use super::{list, strings, user_info, with_metadata};
use crate::Auth;

pub(super) async fn answer(auth: &Auth, body: Value) -> Result<Value, Status> {
    let token = body.str_at(&["spec", "token"]);
    if token.is_empty() {
        let why = "token is required for TokenReview in authentication";
        return Err(Status::bad_request(why));
    }
    let mut audiences = list(&body, &["spec", "audiences"]);
    if audiences.is_empty() {
        audiences = auth.chain.audiences().to_vec();
    }
    let mut status = Map::new();
    match auth.chain.bearer(token, &audiences).await {
        Ok(found) => {
            let shared = |a: &String| found.audiences.contains(a);
            if !audiences.is_empty() && !audiences.iter().any(shared) {
                return Err(Status::internal("error validating audiences"));
            }
            status.insert("authenticated", true);
            status.insert("user", user_info(&found.user));
            if !found.audiences.is_empty() {
                status.insert("audiences", strings(&found.audiences));
            }
        }
        Err(why) => {
            status.insert("user", Value::object());
            status.insert("error", why.to_string());
        }
    }
    let mut body = with_metadata(body);
    body.set(&["status"], status);
    Ok(body)
}
