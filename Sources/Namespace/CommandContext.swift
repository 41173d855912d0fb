package import Primitives

/// Who asks.
package struct Credentials: Hashable, Sendable {
    package let user: UInt32
    package let group: UInt32
    /// Supplementary groups, at most 1,024.
    package let groups: [UInt32]
    package static let root = Credentials(user: 0, group: 0)
    package static let maximumGroups = 1_024

    package init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }

    package var isRoot: Bool { user == 0 }
    package func isMember(of group: UInt32) -> Bool { group == self.group || groups.contains(group) }
}

/// What every command carries as data, so that each replica does the same with it.
package struct CommandContext: Hashable, Sendable {
    /// The time that changed files get.
    package let time: WallTime
    package let credentials: Credentials
    /// Whether owners, modes, sticky and set-id bits are checked. Off for the system's own commands.
    package let enforcePermissions: Bool

    package init(time: WallTime, credentials: Credentials = .root, enforcePermissions: Bool = false) {
        self.time = time
        self.credentials = credentials
        self.enforcePermissions = enforcePermissions
    }

    /// For the checks of a walk.
    var enforced: Credentials? { enforcePermissions ? credentials : nil }
    /// Whether the caller may do what only root may.
    var isPrivileged: Bool { !enforcePermissions || credentials.isRoot }
}

extension Credentials: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(user)
        writer.write(group)
        writer.write(UInt32(groups.count))
        for group in groups { writer.write(group) }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let user = try reader.uint32()
        let group = try reader.uint32()
        var groups: [UInt32] = []
        for _ in 0..<(try reader.count(limit: Self.maximumGroups)) { groups.append(try reader.uint32()) }
        self.init(user: user, group: group, groups: groups)
    }
}

extension CommandContext: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(time)
        writer.write(credentials)
        writer.write(enforcePermissions)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(time: try reader.value(), credentials: try reader.value(), enforcePermissions: try reader.bool())
    }
}
