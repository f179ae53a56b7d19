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
    let bytes = record.encode();
    assert_eq!(Record::decode(&bytes).expect("valid"), record);
    for cut in 0..HEADER + record.key.len() {
        assert!(Record::decode(&bytes.slice(..cut)).is_err(), "{cut}");
    }
}

#[test]
fn a_packed_record_keeps_nothing_else_in_memory() {
    let received = Bytes::from(vec![b'x'; 8 << 10]);
    let record = Record {
        key: received.slice(..10),
        value: received.slice(10..1000),
        create: 7,
        ..Record::default()
    };
    let (encoded, packed) = record.clone().pack();
    assert_eq!(packed, record);
    drop(record);
    assert!(received.is_unique(), "nobody holds what was received");
    assert_eq!(Record::decode(&encoded).expect("valid"), packed);
    let own = encoded.as_ptr_range();
    for part in [packed.key.as_ptr_range(), packed.value.as_ptr_range()] {
        assert!(own.start <= part.start && part.end <= own.end);
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
