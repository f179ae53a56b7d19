//! Connections without half close.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::whole::Whole;

#[tokio::test(start_paused = true)]
async fn the_end_of_the_writer_is_kept_until_a_silence() {
    let (near, mut far) = tokio::io::duplex(64);
    let mut near = Whole::new(near);
    near.write_all(b"all").await.expect("written");
    near.shutdown().await.expect("shut down");
    let mut word = [0; 3];
    far.read_exact(&mut word).await.expect("read");
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_secs(8)).await;
        far.write_all(b"x").await.expect("the other end is open");
        assert_eq!(near.read_u8().await.expect("read"), b'x');
    }
    assert_eq!(near.read(&mut word).await.expect("the end"), 0);
    drop(near);
    assert_eq!(far.read(&mut word).await.expect("the end"), 0);
}
