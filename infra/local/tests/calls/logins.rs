//! Knowing who somebody is.

use access::{Actions, Grants, Permission, Secret, User};
use local::Login;
use storage::{DocumentName, DocumentWrite, Storage};

use crate::bench::Bench;
use crate::http::Request;
use crate::row::Row;
use crate::signed;

pub(crate) async fn measure() -> Vec<Row> {
    let bench = Bench::with(Some(Login::default())).await;
    let desk = bench.stack.desk().unwrap();
    let admin = desk.admin_secret.as_ref().unwrap().expose();
    let ask = |actions: &str| Request::get(format!("/token?scope=repository:team/app:{actions}"));
    // The key that tokens are signed with is made, and read: a warm function reads it every five minutes.
    bench.send(&ask("pull").basic(desk.admin, admin)).await.expect(200);

    bench.costs("challenge", "`GET /v2/` without credentials", 401, Request::get("/v2/")).await;
    let secret = reader(&bench).await;
    let what = "A token for a user";
    bench.costs("token-user", what, 200, ask("pull").basic("reader", &secret)).await;
    let what = "A token for a user who asks for more than is granted";
    let more = Request::get("/token?scope=repository:team/app:pull&scope=repository:team/other:pull");
    bench.costs("token-user-more", what, 200, more.basic("reader", &secret)).await;
    bench.costs("token-nobody", "A token for nobody in particular", 200, ask("pull")).await;
    let what = "A token refused: a wrong password";
    bench.costs("token-refused", what, 401, ask("pull").basic("reader", "wrong")).await;

    let service = bench.stack.address().to_string();
    let login = signed::sign(Request::post("/login"), &desk.identity, &service);
    let answer = bench.costs("login", "`POST /login`, signed with AWS credentials", 200, login).await;
    let password = answer.json()["password"].as_str().unwrap().to_owned();
    // The first one has the public keys read, every five minutes as well.
    bench.send(&ask("pull").basic("AWS", &password)).await.expect(200);
    let what = "A token for user `AWS`";
    bench.costs("token-aws", what, 200, ask("pull").basic("AWS", &password)).await;
    bench.stop().await
}

/// A user who may pull one repository, where everybody may pull several: gives the secret.
async fn reader(bench: &Bench) -> String {
    let storage = Storage::new(&bench.config());
    let secret = Secret::generate().unwrap();
    let pull: Actions = "pull".parse().unwrap();
    let granted = vec![Permission { repositories: vec!["team/app".parse().unwrap()], actions: pull }];
    let text = User::new(&secret, granted, None, runtime::now()).to_json();
    let user = DocumentWrite { name: DocumentName::User("reader"), replaces: None, text: Some(text) };

    let kept = storage.document(DocumentName::Grants).await.unwrap().unwrap();
    let grants = Grants { anonymous: vec!["team/*".parse().unwrap()], ..Grants::from_json(&kept.text).unwrap() };
    let (replaces, text) = (Some(kept.revision), Some(grants.to_json()));
    let grants = DocumentWrite { name: DocumentName::Grants, replaces, text };
    assert!(storage.write_documents(&[user, grants]).await.unwrap());
    secret.expose().to_owned()
}
