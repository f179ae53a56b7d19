//! Signs the tokens that TokenRequest hands out.

use async_trait::async_trait;
use catena_auth::tokens;
use catena_objects::Status;

use crate::token::{Claims, Issued, TokenIssuer};

pub(crate) struct Tokens(pub(crate) tokens::Issuer);

#[async_trait]
impl TokenIssuer for Tokens {
    fn default_audiences(&self) -> Vec<String> {
        self.0.default_audiences()
    }

    async fn issue(&self, claims: &Claims) -> Result<Issued, Status> {
        let claims = tokens::Claims {
            namespace: claims.namespace.clone(),
            account: claims.account.clone(),
            account_uid: claims.account_uid.clone(),
            audiences: claims.audiences.clone(),
            seconds: claims.seconds,
            bound: claims.bound.clone(),
            node: claims.node.clone(),
        };
        let (token, expires) = self.0.issue(&claims)?;
        Ok(Issued { token, expires })
    }
}
