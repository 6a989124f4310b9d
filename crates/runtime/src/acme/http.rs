//! How does the ACME client speak HTTP? By the same rules as whatever else the gateway calls.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use portcullis_transport::call::Caller;

/// The client's HTTP.
pub(super) struct Http(pub(super) Caller);

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let caller = self.0.clone();
        Box::pin(async move {
            let answered = caller.call(request).await;
            answered.map(BytesResponse::from).map_err(|error| Error::Other(Box::new(error)))
        })
    }
}
