"""What an installation can be told, by environment variables that begin with `ILL_`."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ill_workflow.errors import BadInput

#: What nobody gets to see by printing the settings.
_SECRET: Any = Field(default=None, repr=False)


class Settings(BaseSettings):
    """The settings of one installation. Each is read from `ILL_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ILL_", env_ignore_empty=True, extra="ignore")

    data: Path = Path("var")  #: folder of the database, the slips, the logs and the embedded broker
    database_url: str | None = _SECRET  #: SQLAlchemy URL; without one: SQLite in the data folder
    broker_url: str | None = _SECRET  #: redis, rediss, sentinel, amqp or amqps URL; without one: the embedded one
    broker_password: str | None = _SECRET  #: its password, where the URL has none
    broker_ca: Path | None = None  #: file of whoever signed the certificate of a rediss or amqps broker
    sentinel_master: str = "mymaster"  #: by which name sentinels know the master
    sentinel_password: str | None = _SECRET  #: of the sentinels themselves, where they have one
    visibility_seconds: int = 60  #: after which a command that a dead worker had taken goes to another (Redis alone)
    result_backend: str | None = _SECRET  #: where the outcome of commands is kept; without one: the broker
    flower_login: str | None = _SECRET  #: name:password with which the console opens Flower, unless `ill up` runs both
    flower_url: str | None = None  #: where the console finds Flower, such as http://127.0.0.1:5555

    web_host: str = "127.0.0.1"  #: the address on which the console listens
    web_port: int = Field(default=8000, ge=0, le=65535)  #: its port
    web_url: str | None = None  #: where people find the console, such as https://ill.example.org
    web_hosts: str = ""  #: more names under which it answers, with commas between them; * for any
    session_idle_hours: float = Field(default=12, gt=0)  #: after which somebody who does nothing is signed out
    session_days: float = Field(default=7, gt=0)  #: after which everybody signs in anew
    web_proxies: str = "127.0.0.1"  #: addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    api_per_minute: int = Field(default=600, ge=1)  #: calls of the REST API a minute by one token and web process

    smtp_host: str = "127.0.0.1"  #: the mail server
    smtp_port: int = 25  #: its port
    smtp_user: str | None = None  #: the name by which it knows us, where it wants one
    smtp_password: str | None = _SECRET  #: the password that goes with it
    smtp_tls: Literal["none", "starttls", "tls"] = "none"  #: none, starttls or tls
    smtp_timeout: float = 10.0  #: seconds for each step of the conversation
    smtp_answer_timeout: float = 300.0  #: seconds for the answer to a whole mail, which the server may look through
    mail_domain: str = "ill.localhost"  #: right-hand side of Message-IDs

    iso18626: Path | None = None  #: folder of the official schemas of ISO 18626, for `ill message check`
    private_partners: bool = False  #: whether partners may have addresses inside of a network, or on this machine

    sweep: bool = True  #: whether workers look into the database by themselves
    sweep_seconds: float = 1.0  #: how often they do
    lease_seconds: float = 10.0  #: how long a worker may be silent about work that it took
    max_attempts: int = 8  #: attempts of local work before a person has to look
    max_deaths: int = 5  #: workers that may vanish in the middle of the same work before a person has to look
    longest_work_seconds: float = 900.0  #: after that long a piece of work is left to another worker
    record_seconds: float = 60.0  #: how long a worker waits for the database to record what it did outside
    give_up_hours: float = 72.0  #: age at which mail and messages to partners are given up
    copy_days: int = 30  #: how long a copy that was delivered as a file is kept
    wire_days: int = Field(default=90, ge=1)  #: how long it is kept what went over the wire, after a request is over
    letter_days: int = 365  #: how long the texts of mails are kept, which tell who reads what
    retry_base_seconds: float = 1.0  #: how late the first repeat may be; each later one up to twice as late
    retry_cap_seconds: float = 600.0  #: how late a repeat may be at most
    bell_bound: int = 20  #: above this many promises at once a kind is rung for as a whole

    as_: str | None = None  #: the account that commands act as

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{(self.data / 'ill.db').resolve()}"

    @property
    def web_address(self) -> str:
        """Where people find the console."""
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return (self.web_url or f"http://{host}:{self.web_port}").rstrip("/")

    @property
    def slips(self) -> Path:
        return self.data / "slips"

    @property
    def copies(self) -> Path:
        return self.data / "copies"

    def is_default(self, name: str) -> bool:
        """Whether nobody has said anything about a setting."""
        return name not in self.model_fields_set

    def make_room(self) -> None:
        """Make the data folder, for us alone: patrons and secrets are in it. Raises BadInput where that can't be."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as trouble:
            raise BadInput(
                f"ILL_DATA is {self.data}: {trouble.strerror}. Name another folder.", field="ILL_DATA"
            ) from None
        for folder in (self.slips, self.copies):  # for backups; what hinders us here keeps slips waiting, and no more
            with suppress(OSError):
                folder.mkdir(mode=0o700, exist_ok=True)


def read_settings() -> Settings:
    """The settings of the environment. Raises BadInput naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = f"ILL_{'_'.join(str(part) for part in first['loc']).upper()}"
        raise BadInput(f"{name} is {first['input']!r}. {first['msg']}.", field=name) from None
