/// What the operations of one number have come to.
package struct NFSOperationFigures: Hashable, Sendable {
    /// Upper bounds of the classes of time; one more has what took longer.
    package static let bounds: [Duration] = [
        .milliseconds(1), .milliseconds(4), .milliseconds(16), .milliseconds(64), .milliseconds(256), .seconds(1), .seconds(4),
        .seconds(16),
    ]
    /// Those that are over.
    package var count: UInt64 = 0
    /// Those that were answered with another status than NFS4_OK.
    package var errors: UInt64 = 0
    package var time = Duration.zero
    package var classes = [UInt64](repeating: 0, count: bounds.count + 1)

    mutating func add(_ taken: Duration, isError: Bool) {
        count += 1
        if isError { errors += 1 }
        time += taken
        classes[Self.bounds.firstIndex { taken <= $0 } ?? Self.bounds.count] += 1
    }
}

/// The operations by number; those that there are not are counted together, as number 0.
package struct NFSFigures: Hashable, Sendable {
    package private(set) var operations = [NFSOperationFigures](repeating: NFSOperationFigures(), count: 76)
    package init() {}

    mutating func add(_ number: UInt32, _ taken: Duration, isError: Bool) {
        operations[Int(number) < operations.count ? Int(number) : 0].add(taken, isError: isError)
    }

    /// The protocol's name in lower case.
    package static func name(_ number: Int) -> String { names[number] ?? (number == 0 ? "illegal" : "op_\(number)") }

    private static let names: [Int: String] = [
        3: "access", 4: "close", 5: "commit", 6: "create", 7: "delegpurge", 8: "delegreturn", 9: "getattr", 10: "getfh", 11: "link",
        12: "lock", 13: "lockt", 14: "locku", 15: "lookup", 16: "lookupp", 17: "nverify", 18: "open", 19: "openattr", 20: "open_confirm",
        21: "open_downgrade", 22: "putfh", 23: "putpubfh", 24: "putrootfh", 25: "read", 26: "readdir", 27: "readlink", 28: "remove",
        29: "rename", 30: "renew", 31: "restorefh", 32: "savefh", 33: "secinfo", 34: "setattr", 35: "setclientid",
        36: "setclientid_confirm", 37: "verify", 38: "write", 39: "release_lockowner", 40: "backchannel_ctl", 41: "bind_conn_to_session",
        42: "exchange_id", 43: "create_session", 44: "destroy_session", 45: "free_stateid", 52: "secinfo_no_name", 53: "sequence",
        55: "test_stateid", 57: "destroy_clientid", 58: "reclaim_complete", 59: "allocate", 60: "copy", 62: "deallocate", 69: "seek",
        71: "clone", 72: "getxattr", 73: "setxattr", 74: "listxattrs", 75: "removexattr",
    ]
}
