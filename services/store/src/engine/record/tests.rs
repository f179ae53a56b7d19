use super::*;

#[test]
fn a_record_survives_its_encoding() {
    let record = Record {
        key: Bytes::from_static(b"/registry/a"),
        value: Bytes::from_static(b"value"),
        create: 7,
        version: 3,
        lease: -9,
        tombstone: false,
    };
    let bytes = Bytes::from(record.encode());
    assert_eq!(Record::decode(&bytes).expect("valid"), record);
    for cut in 0..HEADER + record.key.len() {
        assert!(Record::decode(&bytes.slice(..cut)).is_err(), "{cut}");
    }
}

#[test]
fn encoded_revisions_sort_as_history() {
    let revs = [(1, 0), (1, 1), (255, 0), (256, 0), (256, 256), (1 << 40, 0)];
    let revs = revs.map(|(main, sub)| Rev { main, sub });
    assert!(revs.windows(2).all(|w| w[0].encode() < w[1].encode()));
    for rev in revs {
        assert_eq!(Rev::decode(&rev.encode()).expect("valid"), rev);
    }
    assert!(Rev::decode(&[0; 11]).is_err());
}
