"""Django's settings, derived from `environment.py`; nothing else reads the process's environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from kith.base import address
from kith.base.setting import SettingError
from kith.config import environment
from kith.config.database import database_settings
from kith.config.sign_in import single_sign_on

try:
    ENV = environment.load()
except SettingError as error:
    sys.stderr.write(f"kith can't start: {error}\n")
    raise SystemExit(2) from error

KITH = ENV
PACKAGE = Path(__file__).resolve().parents[1]

SECRET_KEY = ENV.signing_key()
DEBUG = ENV.debug
ALLOWED_HOSTS = ["*"]  # config.middleware.KnownHost checks it; the public address may stand in the database
ROOT_URLCONF = "kith.config.urls"
WSGI_APPLICATION = "kith.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "teams.User"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_htmx",
    "kith.core",
    "kith.teams",
    "kith.networks",
    "kith.contacts",
    "kith.trust",
    "kith.work",
    "kith.conversations",
    "kith.channels",
    "kith.understanding",
    "kith.listening",
    "kith.engagement",
    "kith.campaigns",
    "kith.workspace",
    "kith.web",
    "kith.api",
]

MIDDLEWARE = [
    "kith.config.middleware.ClientAddress",
    "kith.config.middleware.NoNul",
    "kith.config.middleware.SecurityHeaders",
    "kith.config.middleware.KnownHost",
    "kith.config.middleware.Encrypted",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kith.teams.middleware.Authentication",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "kith.teams.middleware.Preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"environment": "kith.web.templating.environment", "context_processors": []},
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "django_templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

DATABASES = {"default": database_settings(ENV)}
ATOMIC_REQUESTS = True
DATABASES["default"]["ATOMIC_REQUESTS"] = True

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if ENV.test
    else [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "kith.teams.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "kith.teams.single_sign_on.SocialAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by invitation, which proves the address
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True
# "login_failed" is for codes of authenticator apps, after a right password; kith.teams.guesses has those of passwords
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",  # of any kind: an office has one address
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "10/h/ip,5/h/key",
}
ALLAUTH_RATE_LIMIT_IPV6_PREFIX = address.SITE
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "kith.teams.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Kith"
MFA_TOTP_TOLERANCE = 1  # a code of the half minute before or after: clocks differ
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False  # https, or localhost
SOCIALACCOUNT_PROVIDERS = single_sign_on(ENV)
SOCIALACCOUNT_STORE_TOKENS = False  # nothing here asks the issuer for more
USERSESSIONS_TRACK_ACTIVITY = False

# Whether cookies are for encrypted connections only follows the public address: config.middleware.Encrypted sets it.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_ENGINE = "kith.teams.sessions"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "kith.web.errors.no_token"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.trusted_proxies else None
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

CACHES = {
    "default": {"BACKEND": "kith.core.cache.Cache", "LOCATION": "core_cache"},
}

LANGUAGE_CODE = ENV.language
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = ENV.time_zone

STATIC_URL = "/static/"
STATIC_ROOT = None
STATICFILES_DIRS = [("", PACKAGE / "web" / "static")]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 31536000

EMAIL_BACKEND = (
    "django.core.mail.backends.locmem.EmailBackend" if ENV.test else "kith.channels.system_mail.Backend"
)
DEFAULT_FROM_EMAIL = ENV.mail_from or "kith@localhost"

PROCRASTINATE_ON_APP_READY = "kith.core.jobs.on_app_ready"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "kith.core.logs.HideSecrets"}},
    "formatters": {
        "line": {"()": "kith.core.logs.Line", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["secrets"],
            "stream": sys.stderr,
        }
    },
    "loggers": {"procrastinate": {"level": "WARNING"}, "django": {"handlers": [], "level": "INFO"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level if not ENV.test else "ERROR"},
}
SILENCED_SYSTEM_CHECKS = ["account.W001"]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kith.config.settings")
