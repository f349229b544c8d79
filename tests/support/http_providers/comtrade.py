"""UN Comtrade as it answers: a preview of 500 records a period, a keyed interface of more."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.http_providers.local import ReceivedRequest, Reply, as_json


@dataclass
class ComtradeApi:
    """Holds values by (period, flow, M49 partner, HS code) and answers requests for them."""

    values: dict[tuple[str, str, str, str], float]
    cap: int = 500
    key: str | None = None
    tag: str | None = None
    problems: list[str] = field(default_factory=list)

    def __call__(self, request: ReceivedRequest) -> Reply:
        keyed = request.path.startswith("/data/v1/get/")
        if keyed and request.headers.get("ocp-apim-subscription-key") != self.key:
            return as_json({"statusCode": 401, "message": "Access denied due to missing subscription key."}, status=401)
        if not request.path.endswith("/C/M/HS"):
            return Reply(status=404)
        given = {name: request.params[name].split(",") for name in ("period", "flowCode", "cmdCode")}
        if len(given["period"]) > (12 if keyed else 1):
            return as_json({"statusCode": 400, "message": "too many periods"}, status=400)
        if self.tag is not None and request.headers.get("if-none-match") == self.tag:
            return Reply(status=304, headers={"ETag": self.tag})
        partners = request.params["partnerCode"].split(",") if "partnerCode" in request.params else None
        rows = [
            record(*key, value)
            for key, value in self.values.items()
            if key[0] in given["period"] and key[1] in given["flowCode"] and key[3] in given["cmdCode"]
            if partners is None or key[2] in partners
        ]
        if request.params.get("partner2Code") != "0":
            # Without it every record comes again for each second partner.
            rows += [{**row, "partner2Code": 36, "primaryValue": row["primaryValue"] / 2} for row in rows]
        shown = rows[: self.cap]
        body = {"elapsedTime": "0.1 secs", "count": len(shown), "data": shown, "error": ""}
        return as_json(body, headers={"ETag": self.tag} if self.tag else {})


def record(period: str, flow: str, partner: str, sector: str, value: float) -> dict[str, Any]:
    return {
        "typeCode": "C",
        "freqCode": "M",
        "refYear": int(period[:4]),
        "refMonth": int(period[4:]),
        "period": period,
        "reporterCode": 156,
        "flowCode": flow,
        "partnerCode": int(partner),
        "partner2Code": 0,
        "classificationCode": "H6",
        "cmdCode": sector,
        "customsCode": "C00",
        "motCode": 0,
        "primaryValue": value,
    }
