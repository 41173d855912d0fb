package import Filesystem
package import Primitives

/// For whom the seam is asked: one session of it each. What is made belongs to the user and the group.
package struct SeamUser: Hashable, Comparable, Sendable {
    package let filesystem: FilesystemID
    package let user: UInt32
    package let group: UInt32
    package init(filesystem: FilesystemID, user: UInt32, group: UInt32) {
        self.filesystem = filesystem
        self.user = user
        self.group = group
    }
    package static func < (a: Self, b: Self) -> Bool { (a.filesystem, a.user, a.group) < (b.filesystem, b.user, b.group) }
}

/// What the machine asks of the cluster.
package enum SeamCall: Hashable, Sendable {
    case file(SeamUser, FileOperation, payload: [UInt8])
    /// The file systems that are served, in order of name.
    case exports
}

package enum SeamAnswer: Hashable, Sendable {
    /// `data`: the bytes of a read.
    case value(FileValue, data: [UInt8])
    case exports([NFSExport])
    case failed(FileFailure)
}

/// A file system that is served, by its name under the root.
package struct NFSExport: Hashable, Sendable {
    package let name: String
    package let filesystem: FilesystemID
    package init(name: String, filesystem: FilesystemID) {
        self.name = name
        self.filesystem = filesystem
    }
}

/// An open file of the seam.
struct SeamHandle: Hashable, Sendable {
    let user: SeamUser
    let handle: HandleID
}

/// What the machine is told.
package enum NFSEvent: Sendable {
    /// `address`: whose it is, for those who look.
    case connected(ConnectionID, address: String)
    /// One RPC message, without its record marks.
    case record(ConnectionID, [UInt8])
    case disconnected(ConnectionID)
    case answered(CallID, SeamAnswer)
    /// About every second: leases.
    case tick
}

/// What the machine wants done.
package enum NFSEffect: Hashable, Sendable {
    /// One RPC message in parts, without its record mark.
    case reply(ConnectionID, [[UInt8]])
    case close(ConnectionID, why: String)
    /// Is answered once, by `NFSEvent.answered`.
    case call(CallID, SeamCall)
    /// Nobody uses the session of the seam any more.
    case endSession(SeamUser)
}
