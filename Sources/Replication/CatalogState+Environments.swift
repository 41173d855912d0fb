import Primitives

extension CatalogState {
    mutating func createEnvironment(_ name: EnvironmentName, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        try CatalogName.check(environment: name, operation)
        guard !environments.contains(name) else {
            throw CatalogError(
                .alreadyExists, operation, name.description, "an environment of that name exists", hint: "choose another name")
        }
        guard environments.count < CatalogLimits.environments else {
            throw CatalogError(.exhausted, operation, name.description, "there are \(environments.count) environments, which is the limit")
        }
        environments[name] = EnvironmentRecord(name: name, created: command.at, createdBy: command.by)
        note(.created, "environment \(name)", command)
        return .done
    }

    mutating func deleteEnvironment(_ name: EnvironmentName, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        try requireEnvironment(name, operation)
        guard name != .main else {
            throw CatalogError(.refused, operation, name.description, "it is the default environment, which stays")
        }
        let inside = filesystems.values.filter { $0.environment == name && $0.isActive }
        if let one = inside.first {
            let more = inside.count > 1 ? " and \(inside.count - 1) more" : ""
            throw CatalogError(
                .refused, operation, name.description, "it is not empty: \(one.kind.noun) '\(one.label)'\(more)",
                hint: "delete what is in it first")
        }
        if let app = apps.values.first(where: { $0.environment == name && $0.isRunning }) {
            throw CatalogError(
                .refused, operation, name.description, "app \(app.id) runs in it", hint: "stop it with `atoll app stop \(app.id)`")
        }
        environments[name] = nil
        note(.deleted, "environment \(name)", command)
        return .done
    }

    func requireEnvironment(_ name: EnvironmentName, _ operation: String) throws(CatalogError) {
        try CatalogName.check(environment: name, operation)
        guard !environments.contains(name) else { return }
        throw CatalogError(
            .notFound, operation, "environment \(name)", "there is no such environment",
            hint: "it has \(environments.keys.prefix(8).map(\.description).joined(separator: ", "))")
    }
}
